"""Who may come in: projects, and the API keys of their clients."""
