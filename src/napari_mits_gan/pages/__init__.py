"""Pages for people: slices of a scan as pictures, in an HTML file that needs nothing but itself."""
