"""What is timed or scored, against what, on which data; never part of the tests."""
