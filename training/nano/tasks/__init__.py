"""Questions and answers about pictures, in English and Chinese."""
