"""What becomes of an attack: null, failed, conspicuous or convincing."""
