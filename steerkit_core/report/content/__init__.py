"""What a terminal and a page both show: rows, sentences and numbers of a run."""
