"""The web pages: what each of them reads and does is in its feature; here are their templates, forms and headers."""
