// SPDX-License-Identifier: Apache-2.0

/// The states in which a CPU begins.
extension VirtualCPU {
    private static let interceptedExceptions: UInt32 = 1 << 1 | 1 << 17  // debug, alignment check
    // NMI, INIT, selective writes of CR0, CPUID, ports, registers, shutdown; then all of SVM's own instructions
    private static let intercepted1: UInt32 = 1 << 1 | 1 << 3 | 1 << 5 | 1 << 18 | 1 << 27 | 1 << 28 | 1 << 31
    private static let intercepted2: UInt32 = 0x7f

    func prepareControlBlock() {
        for offset in stride(from: 0, to: 0xe00, by: 8) { setLong(offset, 0) }
        setWord(Field.interceptExceptions, VirtualCPU.interceptedExceptions)
        setWord(Field.intercept1, VirtualCPU.intercepted1)
        setWord(Field.intercept2, VirtualCPU.intercepted2)
        setLong(Field.portMap, Parameters.machineAddress(MonitorMemory.portMap))
        setLong(Field.registerMap, Parameters.machineAddress(MonitorMemory.registerMap))
        setWord(Field.addressSpace, 1)
        setLong(Field.nestedPaging, 1)
        setLong(Field.attributes, 0x0007_0406_0007_0406)
        setLong(Field.dr6, 0xffff_0ff0)
    }

    /// As a processor is after INIT, at a startup vector or, for ``MonitorMemory/resetVector``, at the cell's reset
    /// address: the code segment begins at the address without its low 16 bits.
    func reset(vector: UInt32) {
        clearRegisters()
        if vector == MonitorMemory.resetVector {
            let address = Parameters.resetAddress
            setSegment(
                Field.cs, selector: UInt16(truncatingIfNeeded: address >> 4 & 0xf000), attributes: 0x9b,
                base: address & ~0xffff)
            setLong(Field.rip, address & 0xffff)
        } else {
            setSegment(
                Field.cs, selector: UInt16(truncatingIfNeeded: vector << 8), attributes: 0x9b,
                base: UInt64(vector & 0xff) << 12)
            setLong(Field.rip, 0)
        }
        setSegment(Field.es, attributes: 0x93)
        setSegment(Field.ss, attributes: 0x93)
        setSegment(Field.ds, attributes: 0x93)
        setSegment(Field.fs, attributes: 0x93)
        setSegment(Field.gs, attributes: 0x93)
        setSegment(Field.gdtr, attributes: 0)
        setSegment(Field.idtr, attributes: 0)
        setSegment(Field.ldtr, attributes: 0x82)
        setSegment(Field.tr, attributes: 0x8b)
        setByte(Field.privilege, 0)
        setLong(Field.efer, 0x1000)  // SVM, as the hypervisor shows it
        setLong(Field.cr0, 0x4000_0010)  // caches off, as after reset; not-write-through is not allowed here
        setLong(Field.cr2, 0)
        setLong(Field.cr3, 0)
        setLong(Field.cr4, 0)
        setLong(Field.dr7, 0x400)
        setLong(Field.flags, 2)
        for register in stride(from: Field.systemRegisters.lowerBound, to: Field.systemRegisters.upperBound, by: 8) {
            setLong(register, 0)
        }
        setLong(Field.injectedEvent, 0)
        setLong(Field.interruptShadow, 0)
        setLong(Field.nestedRoot, Parameters.nestedRoot)
        vmLoad(controlBlockAddress)
        flushTranslations()
    }

    /// Halts in a page of its own, from where only an NMI takes it.
    func enterParking() {
        reset(vector: 0)
        setLong(Field.nestedRoot, Parameters.machineAddress(MonitorMemory.parkingTables))
    }
}
