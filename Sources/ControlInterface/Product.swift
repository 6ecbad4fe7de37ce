/// What the daemon and its commands say about themselves.
public enum Product {
    public static let version = "0.1.0"
}
