"""What a commissioner pays a partner for."""
