"""Pathways into first work: the service."""

import os

# Set before NumPy or scikit-learn is imported, which read it once. Threads of several libraries, or of several
# processes on the same cores, wait for each other: training took 156 s instead of 9 s beside other work.
for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(_variable, "1")
