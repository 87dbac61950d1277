"""What each system does to a picture before its network sees it. Pure functions, no files."""
