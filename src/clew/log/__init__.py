"""The searchable log: a projection of the journal, fed by the pump, asked by every face."""
