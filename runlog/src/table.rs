//! Columns for people.

/// Lines of a table: each column as wide as its widest cell, two spaces between, nothing behind
/// the last one.
pub(crate) fn lines<const N: usize>(head: [&str; N], rows: &[[String; N]]) -> Vec<String> {
    let mut widths = head.map(width);
    for row in rows {
        for (widest, cell) in widths.iter_mut().zip(row) {
            *widest = (*widest).max(width(cell));
        }
    }
    let line = |cells: [&str; N]| {
        let mut text = String::new();
        for (cell, widest) in cells.iter().zip(widths) {
            text.push_str(cell);
            text.extend(std::iter::repeat_n(' ', widest - width(cell) + 2));
        }
        text.trim_end().to_owned()
    };
    std::iter::once(line(head))
        .chain(
            rows.iter()
                .map(|row| line(row.each_ref().map(String::as_str))),
        )
        .collect()
}

fn width(cell: &str) -> usize {
    cell.chars().count()
}

#[cfg(test)]
mod tests {
    #[test]
    fn columns_stand_below_each_other() {
        let rows = [
            ["1".to_owned(), "long one".to_owned(), "x".to_owned()],
            ["200".to_owned(), "é".to_owned(), String::new()],
        ];
        assert_eq!(
            super::lines(["ID", "NAME", "LAST"], &rows),
            ["ID   NAME      LAST", "1    long one  x", "200  é"]
        );
    }
}
