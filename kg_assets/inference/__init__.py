"""Entities and documents to relations: retrieval, extractors, evidence."""
