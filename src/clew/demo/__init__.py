"""The sample world of `clew demo`: an ERP and a Ship, real HTTP servers between which orders flow."""
