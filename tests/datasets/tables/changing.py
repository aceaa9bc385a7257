"""Tables with one cell changed, and tables as files."""


def change(row, column, value):
    """Return what changes one cell of a table."""

    def make(table):
        table[column] = table[column].astype(object)
        table.loc[row, column] = value
        return table

    return make


def save(path, table, **options):
    """Write a table as CSV and return its path."""
    table.to_csv(path, index=False, **options)
    return path
