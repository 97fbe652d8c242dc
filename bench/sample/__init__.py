"""A package whose one workflow has work to do at every run, for measurements."""
