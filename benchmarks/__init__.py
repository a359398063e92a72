"""What is timed or scored, against a named alternative, on data that packages or a seed provide."""

import os

# As in the service: set before NumPy is imported, so that every benchmark measures one thread.
for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(_variable, "1")
