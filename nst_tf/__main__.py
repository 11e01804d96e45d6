"""``python -m nst_tf``: the same program as ``nst``."""

from nst_tf.run.command import main

if __name__ == "__main__":
    main()
