"""The commands, in one module for each subject. ``cli.py`` combines them."""
