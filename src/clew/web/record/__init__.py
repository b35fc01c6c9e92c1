"""One record, whole: what it is, what it carried, what went wrong, and the chain it belongs to."""
