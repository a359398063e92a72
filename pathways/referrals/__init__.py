"""A referring organisation asks a partner to support a jobseeker; one by one, or by file."""
