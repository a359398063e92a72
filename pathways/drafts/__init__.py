"""What somebody has typed into a form and not sent yet, kept so that nothing typed is lost."""
