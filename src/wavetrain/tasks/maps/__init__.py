"""Walks in worlds, and what lies behind the next step."""
