"""The report of a comparison: one HTML file with everything in it, for people to look at and to pass on.

What it shows was read from folders that may come from strangers, so nothing of it becomes code: the only
texts that Jinja2 writes are escaped; all else travels as JSON that can't end its script element, and the
page's own script puts it in place as text. The page's Content-Security-Policy names that one script and
that one style sheet by hash, and forbids every connection.
"""

from nst_tf.compare.report.page import write_report

__all__ = ["write_report"]
