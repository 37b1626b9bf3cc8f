"""Generated content: analyses, chat answers, structured output, embeddings."""
