"""The migration console at `/console`: pages that work without scripts; one stream a tab keeps them current."""
