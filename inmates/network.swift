// SPDX-License-Identifier: Apache-2.0

/// Two cells, each with an e1000e, on one network: they find each other, exchange frames, and ping each other.
///
/// Nothing needs to be said: an address is made of the card's (10.7.0.x, its last byte), and the other's is learnt from
/// what it broadcasts. `address=10.7.0.1`: another one. `serve`: answers until it is asked to shut down, and checks
/// nothing; to be pinged from elsewhere. `last-bus=N`: how far the bus is scanned.

@c(inmate_main) func inmateMain() {
    var report = Report("network")
    let lastBus = UInt8(truncatingIfNeeded: CommandLine.number("last-bus") ?? 0)
    guard let (function, card) = firstCard(lastBus) else {
        report.check("card", false, "no e1000e whose registers can be reached")
        report.finish()
    }
    let own = CommandLine.value(of: "address").flatMap(internetAddress) ?? 0x0a07_0000 | UInt32(card.address & 0xff)
    report.check("card", true, "\(function.name), \(hardwareName(card.address)), \(internetName(own))")
    report.check("link", card.waitForLink(milliseconds: 20_000), "status of the card")

    var host = Host(card: card, address: own)
    if CommandLine.has("serve") {
        while true {
            host.receiveAll()
            attend()
        }
    }
    host.talk(milliseconds: 60_000)
    report.check("frames", host.peer != nil, "\(host.framesReceived) received, other: \(internetName(host.peer ?? 0))")
    report.check("arp", host.peerHardware != nil, "other: \(hardwareName(host.peerHardware ?? 0))")
    report.check("ping", host.answersReceived == Host.pings, "\(host.answersReceived) of \(Host.pings) answered")
    report.check("answered", host.answersSent >= Host.pings, "\(host.answersSent) pings of the other")
    report.finish()
}

func firstCard(_ lastBus: UInt8) -> (PCIFunction, NetworkCard)? {
    var next: UInt32 = 0
    while let function = PCI.ports.function(from: next, through: lastBus) {
        next = UInt32(function.number) + 1
        guard function.vendor == 0x8086, function.classCode == 0x0200 else { continue }
        if let card = NetworkCard(function) { return (function, card) }
    }
    return nil
}

/// What speaks ARP and answers pings; and a protocol of its own, by which two that know nothing find each other.
struct Host {
    /// How many must be answered.
    static let pings: UInt32 = 5
    private static let broadcast: UInt64 = 0xffff_ffff_ffff
    /// The frame's type: for experiments, by IEEE 802; then IPv4 and ARP.
    private static let hello: UInt64 = 0x88b5
    private static let ipv4: UInt64 = 0x0800
    private static let arp: UInt64 = 0x0806
    /// Where things stand in a frame.
    private static let payload: UInt = 14
    private static let icmp: UInt = 34

    private var card: NetworkCard
    private let address: UInt32
    /// The other's address, and its card's.
    private(set) var peer: UInt32?
    private(set) var peerHardware: UInt64?
    private(set) var framesReceived: UInt32 = 0
    private(set) var answersReceived: UInt32 = 0
    private(set) var answersSent: UInt32 = 0
    /// The ping whose answer is waited for.
    private var sequence: UInt32 = 0

    init(card: NetworkCard, address: UInt32) {
        self.card = card
        self.address = address
    }

    /// Until both have what they want, or for as long as this.
    mutating func talk(milliseconds: UInt32) {
        var (clock, sinceSent) = (PMTimer(), PMTimer())
        var wait: UInt32 = 0
        while clock.milliseconds() < milliseconds {
            receiveAll()
            attend()
            if answersReceived == Self.pings && answersSent >= Self.pings { break }
            let isAnswered = peerHardware != nil && sequence == answersReceived && answersReceived < Self.pings
            guard isAnswered || sinceSent.milliseconds() >= wait else { continue }
            ask()
            (sinceSent, wait) = (PMTimer(), 200)
        }
        // what the other still asks for
        var last = PMTimer()
        while last.milliseconds() < 500 {
            receiveAll()
            attend()
        }
    }

    mutating func receiveAll() {
        while receiveOne() {}
    }

    private mutating func receiveOne() -> Bool {
        guard let frame = card.received else { return false }
        framesReceived += 1
        switch frame.number(at: 12, bytes: 2) {
        case Self.hello: if peer == nil { peer = UInt32(frame.number(at: Self.payload, bytes: 4)) }
        case Self.arp: handleARP(frame)
        case Self.ipv4: handleIPv4(frame)
        default: break
        }
        card.release()
        return true
    }

    /// Says where it is; then asks whatever it does not know yet.
    private mutating func ask() {
        begin(to: Self.broadcast, Self.hello)
        card.frame.set(UInt64(address), at: Self.payload, bytes: 4)
        send(payload: 46)
        guard let peer else { return }
        guard let peerHardware else {
            begin(to: Self.broadcast, Self.arp)
            fillARP(operation: 1, hardware: 0, address: peer)
            send(payload: 28)
            return
        }
        guard answersReceived < Self.pings else { return }
        sequence = answersReceived + 1
        begin(to: peerHardware, Self.ipv4)
        fillPing(type: 8, identifier: 0x4a48, sequence: UInt64(sequence), to: peer)
        send(payload: 84)
    }

    // MARK: - ARP (RFC 826)

    private mutating func handleARP(_ frame: Frame) {
        let (operation, sender) = (frame.number(at: 20, bytes: 2), UInt32(frame.number(at: 28, bytes: 4)))
        let (hardware, target) = (frame.number(at: 22, bytes: 6), UInt32(frame.number(at: 38, bytes: 4)))
        guard target == address else { return }
        if sender == peer { peerHardware = hardware }
        guard operation == 1 else { return }
        begin(to: hardware, Self.arp)
        fillARP(operation: 2, hardware: hardware, address: sender)
        send(payload: 28)
    }

    private func fillARP(operation: UInt64, hardware: UInt64, address target: UInt32) {
        card.frame.set(0x0001_0800_0604, at: 14, bytes: 6)  // Ethernet, IPv4, and the lengths of their addresses
        card.frame.set(operation, at: 20, bytes: 2)
        card.frame.set(card.address, at: 22, bytes: 6)
        card.frame.set(UInt64(address), at: 28, bytes: 4)
        card.frame.set(hardware, at: 32, bytes: 6)
        card.frame.set(UInt64(target), at: 38, bytes: 4)
    }

    // MARK: - IPv4 (RFC 791) and ICMP's echo (RFC 792)

    private mutating func handleIPv4(_ frame: Frame) {
        let length = UInt(frame.number(at: 16, bytes: 2))
        guard frame.number(at: 14, bytes: 1) == 0x45, frame.number(at: 23, bytes: 1) == 1,
            UInt32(frame.number(at: 30, bytes: 4)) == address, length >= 28, Self.payload + length <= frame.length,
            frame.checksum(at: Self.payload, bytes: 20) == 0, frame.checksum(at: Self.icmp, bytes: length - 20) == 0
        else { return }
        switch frame.number(at: Self.icmp, bytes: 1) {
        case 8:  // a ping: the same with another type and the addresses exchanged
            begin(to: frame.number(at: 6, bytes: 6), Self.ipv4)
            for offset in Self.payload..<Self.payload + length {
                card.frame.set(frame.number(at: offset, bytes: 1), at: offset, bytes: 1)
            }
            card.frame.set(frame.number(at: 26, bytes: 4), at: 30, bytes: 4)
            card.frame.set(UInt64(address), at: 26, bytes: 4)
            card.frame.set(0, at: Self.icmp, bytes: 4)
            card.frame.set(card.frame.checksum(at: Self.icmp, bytes: length - 20), at: Self.icmp + 2, bytes: 2)
            if send(payload: length) { answersSent += 1 }
        case 0:  // an answer
            let isOurs =
                frame.number(at: Self.icmp + 4, bytes: 2) == 0x4a48
                && UInt32(frame.number(at: Self.icmp + 6, bytes: 2)) == sequence
            if isOurs && sequence > answersReceived { answersReceived = sequence }
        default: break
        }
    }

    private func fillPing(type: UInt64, identifier: UInt64, sequence: UInt64, to target: UInt32) {
        let frame = card.frame
        frame.set(0x4500_0054, at: 14, bytes: 4)  // version 4, header of 5 words, 84 bytes in all
        frame.set(0, at: 18, bytes: 4)
        frame.set(0x4001_0000, at: 22, bytes: 4)  // 64 hops, ICMP, its sum yet to come
        frame.set(UInt64(address), at: 26, bytes: 4)
        frame.set(UInt64(target), at: 30, bytes: 4)
        frame.set(frame.checksum(at: 14, bytes: 20), at: 24, bytes: 2)
        frame.set(type << 24, at: 34, bytes: 4)
        frame.set(identifier << 16 | sequence, at: 38, bytes: 4)
        for offset in UInt(42)..<98 { frame.set(UInt64(offset), at: offset, bytes: 1) }
        frame.set(frame.checksum(at: 34, bytes: 64), at: 36, bytes: 2)
    }

    // MARK: - Ethernet

    private func begin(to target: UInt64, _ type: UInt64) {
        for offset in UInt(0)..<60 { card.frame.set(0, at: offset, bytes: 1) }
        card.frame.set(target, at: 0, bytes: 6)
        card.frame.set(card.address, at: 6, bytes: 6)
        card.frame.set(type, at: 12, bytes: 2)
    }

    @discardableResult private mutating func send(payload: UInt) -> Bool {
        card.send(from: card.frame.memory.base, length: max(Self.payload + payload, 60))
    }
}

// MARK: - Names

func hardwareName(_ address: UInt64) -> Text {
    var text = Text()
    for index in UInt64(0)..<6 {
        if index > 0 { text.append(UInt8(ascii: ":")) }
        text.append(hexadecimal: UInt(truncatingIfNeeded: address >> (40 - 8 * index) & 0xff), digits: 2)
    }
    return text
}

func internetName(_ address: UInt32) -> Text {
    "\(address >> 24).\(address >> 16 & 255).\(address >> 8 & 255).\(address & 255)"
}

func internetAddress(_ word: CommandLine.Word) -> UInt32? {
    var (address, number, parts) = (UInt32(0), UInt32(0), 1)
    for index in 0..<word.count {
        switch word[index] {
        case UInt8(ascii: "."): (address, number, parts) = (address << 8 | number, 0, parts + 1)
        case let byte where (0x30...0x39).contains(byte): number = number * 10 + UInt32(byte - 0x30)
        default: return nil
        }
        guard number < 256 else { return nil }
    }
    return parts == 4 ? address << 8 | number : nil
}
