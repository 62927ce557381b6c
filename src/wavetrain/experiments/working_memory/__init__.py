"""Claims about working memory."""
