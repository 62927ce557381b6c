"""Recurrent layers whose gates decide what is kept."""
