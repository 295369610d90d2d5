//! Quantities, as users give them and as they are shown.

use bytesize::ByteSize;
pub use volley_mlr::volley_revolver::grouped;

/// Fewer bytes without a unit are taken for a mistake: whoever says `2` means gigabytes.
const FEW_BYTES: u64 = 1_000_000;

/// Bytes from a text such as `4G`, `4GB`, `4GiB`, `512M`, `1.5G` or `1000000`. Without `i`, factors are powers of 1000.
///
/// # Errors
///
/// For a text that is no size, for sizes of less than a byte or more than a `u64` holds, and for a small number without
/// a unit.
pub fn parse_bytes(text: &str) -> Result<u64, String> {
    match text.parse() {
        Ok(ByteSize(bytes)) if bytes < FEW_BYTES && text.ends_with(|last: char| last.is_ascii_digit()) => {
            Err(format!("`{text}` would be bytes; with a unit it is a size: {text}G for GB, {text}M for MB"))
        }
        // A size that is too large is read as the largest.
        Ok(ByteSize(bytes)) if bytes > 0 && bytes < u64::MAX => Ok(bytes),
        _ => Err(format!("`{text}` is no size: something like 4G, 512M or 16GiB is expected")),
    }
}

/// Bytes in powers of 1000: `8.4 kB`.
#[must_use]
pub fn show_bytes(bytes: u64) -> String {
    match bytes as f64 {
        bytes if bytes < 1e3 => format!("{bytes} bytes"),
        bytes if bytes < 1e6 => format!("{:.1} kB", bytes / 1e3),
        bytes if bytes < 1e9 => format!("{:.1} MB", bytes / 1e6),
        bytes if bytes < 1e12 => format!("{:.2} GB", bytes / 1e9),
        bytes => {
            let hundredths = (bytes / 1e10).round() as u64;
            format!("{}.{:02} TB", grouped(hundredths / 100), hundredths % 100)
        }
    }
}

/// A time: `914 ms`, `1.72 s`, `16.7 min`.
#[must_use]
pub fn show_seconds(seconds: f64) -> String {
    match seconds {
        ..1.0 => format!("{:.0} ms", 1e3 * seconds),
        ..120.0 => format!("{seconds:.2} s"),
        _ => format!("{:.1} min", seconds / 60.0),
    }
}

/// About how long something takes or goes on: `4.2 s`, `40 s`, `17 min`, `3.5 h`, `2.5 days`.
#[must_use]
pub fn show_duration(seconds: f64) -> String {
    match seconds {
        ..9.95 => format!("{seconds:.1} s"),
        ..119.5 => format!("{seconds:.0} s"),
        ..5_970.0 => format!("{:.0} min", seconds / 60.0),
        ..172_800.0 => format!("{:.1} h", seconds / 3_600.0),
        _ => format!("{:.1} days", seconds / 86_400.0),
    }
}

/// A fraction in per cent: `70.34 %`.
#[must_use]
pub fn percent(fraction: f64) -> String {
    format!("{:.2} %", 100.0 * fraction)
}

/// `1 row`, `2,000 rows`.
#[must_use]
pub fn counted(count: usize, noun: &str) -> String {
    format!("{} {noun}{}", grouped(count as u64), if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read() {
        let sizes = [
            ("1 B", 1),
            ("1000000", 1_000_000),
            ("4G", 4_000_000_000),
            ("4GiB", 4 << 30),
            ("1.5k", 1500),
            ("512 MB", 512_000_000),
        ];
        for (text, bytes) in sizes {
            assert_eq!(parse_bytes(text), Ok(bytes), "{text}");
        }
        let refused = parse_bytes("2").unwrap_err();
        assert_eq!(refused, "`2` would be bytes; with a unit it is a size: 2G for GB, 2M for MB");
        for text in ["", "1", "999999", "G", "-1", "0", "1X", "1e3", "1.2.3G", "99999999999T"] {
            assert!(parse_bytes(text).is_err(), "{text}");
        }
    }

    #[test]
    fn times_are_shown() {
        assert_eq!([1002.0, 119.99, 1.0].map(show_seconds), ["16.7 min", "119.99 s", "1.00 s"]);
        assert_eq!([120.0, 0.9, 0.002].map(show_seconds), ["2.0 min", "900 ms", "2 ms"]);
    }

    #[test]
    fn durations_are_shown_as_people_say_them() {
        let shown = [0.04, 9.9, 9.96, 119.4, 119.6, 5_969.0, 5_990.0, 172_800.0].map(show_duration);
        assert_eq!(shown, ["0.0 s", "9.9 s", "10 s", "119 s", "2 min", "99 min", "1.7 h", "2.0 days"]);
    }

    #[test]
    fn sizes_are_shown() {
        let shown = [999, 8_400, 181_500_000, 2_250_000_000].map(show_bytes);
        assert_eq!(shown, ["999 bytes", "8.4 kB", "181.5 MB", "2.25 GB"]);
        let shown = [23_861_540_000_000, 7_000_049_000_000_000].map(show_bytes);
        assert_eq!(shown, ["23.86 TB", "7,000.05 TB"]);
        assert_eq!([0, 999, 1_000, 7_812_500].map(grouped), ["0", "999", "1,000", "7,812,500"]);
        assert_eq!([1, 0, 20_190].map(|count| counted(count, "row")), ["1 row", "0 rows", "20,190 rows"]);
    }
}
