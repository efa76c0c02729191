"""What the API answers, subject by subject. Fields that are not listed are ignored."""
