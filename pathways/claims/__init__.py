"""What a funder is asked to pay for an outcome: claims, what each rests on, and what was paid or taken back."""
