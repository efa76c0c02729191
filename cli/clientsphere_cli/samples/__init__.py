"""What the demo uploads and asks; the PDF and DOCX files are rendered by tools/samples."""
