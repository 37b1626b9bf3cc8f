"""The official clients, method by method, against the emulator; `calls.toml` lists their methods."""
