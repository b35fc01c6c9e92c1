"""The face for people: server-rendered pages, every state of them a URL."""
