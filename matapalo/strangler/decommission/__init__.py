"""Whether a legacy side may be removed, judged by evidence."""
