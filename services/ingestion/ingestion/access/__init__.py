"""Who may read and edit knowledge bases and documents."""
