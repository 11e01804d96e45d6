"""The bundled sample pictures, one picture a file; every picture module has ``draw() -> uint8 array``."""
