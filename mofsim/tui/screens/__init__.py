"""What fills the terminal: lays out widgets and hands actions on."""
