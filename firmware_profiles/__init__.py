"""Device profiles: one TOML file a board, read by edgeclf.profiles."""
