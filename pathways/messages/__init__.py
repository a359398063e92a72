"""What is told to the outside: notices, the e-mails made of them, and webhooks; rows first, sent afterwards."""
