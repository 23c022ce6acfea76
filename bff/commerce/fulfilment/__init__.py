"""An order from the click to the parcel: a durable workflow that finishes or compensates what it began."""
