"""How far a change to the scan disrupts attacks."""
