"""Trials of working memory, as people do them."""
