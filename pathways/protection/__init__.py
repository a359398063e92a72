"""What a protective fact stops: recording one, and making everything under way obey it."""
