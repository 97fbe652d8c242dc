"""Start everything under one supervisor, keep it alive, stop it cleanly."""
