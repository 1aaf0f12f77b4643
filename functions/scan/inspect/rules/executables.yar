// Programs, whatever they are called, and what starts programs.

rule windows_executable
{
    meta:
        severity = "high"
        description = "A Windows program or library (PE)"
        reference = "https://learn.microsoft.com/windows/win32/debug/pe-format"
        member_class = "programs"
    condition:
        uint16(0) == 0x5A4D and uint32(0x3C) < filesize and uint32(uint32(0x3C)) == 0x00004550
}

rule elf_executable
{
    meta:
        severity = "high"
        description = "A Linux program or library (ELF)"
        reference = "https://refspecs.linuxfoundation.org/elf/gabi4+/ch4.eheader.html"
        member_class = "programs"
    condition:
        uint32(0) == 0x464C457F and uint8(4) >= 1 and uint8(4) <= 2 and uint8(5) >= 1 and uint8(5) <= 2
}

rule macho_executable
{
    meta:
        severity = "high"
        description = "A macOS program or library (Mach-O, universal ones included)"
        reference = "https://github.com/apple-oss-distributions/xnu/blob/main/EXTERNAL_HEADERS/mach-o/loader.h"
        member_class = "programs"
    condition:
        uint32(0) == 0xFEEDFACE or uint32(0) == 0xFEEDFACF
        or uint32be(0) == 0xFEEDFACE or uint32be(0) == 0xFEEDFACF
        // Java classes start alike, but have their version where this has a small count.
        or (uint32be(0) == 0xCAFEBABE and uint32be(4) > 0 and uint32be(4) < 20)
}

rule executable_inside_other_file
{
    meta:
        severity = "high"
        description = "A Windows program inside something that is no program"
        reference = "https://attack.mitre.org/techniques/T1027/009/"
    strings:
        // What its first bytes write, and the end of the code that writes it.
        $program = /([\x80-\xFF]!|[\x00\x90])This program (cannot be run in DOS mode|must be run under Win)/
    condition:
        // Members of archives are files of their own.
        $program
        and (declared_type startswith "image/" or declared_type startswith "audio/"
             or declared_type startswith "video/" or declared_type startswith "text/"
             or declared_type == "application/pdf" or declared_type == "application/json"
             or declared_type == "application/xml" or declared_type contains "opendocument"
             or declared_type contains "openxmlformats")
}

rule windows_shortcut
{
    meta:
        severity = "high"
        description = "A Windows shortcut (LNK), which starts any command"
        reference = "https://learn.microsoft.com/openspecs/windows_protocols/ms-shllink/"
        member_class = "launchers"
    condition:
        // As a string, its zeros would be looked for, and found, in every binary file.
        uint32be(0) == 0x4C000000 and uint32be(4) == 0x01140200 and uint32be(8) == 0
        and uint32be(12) == 0xC0000000 and uint32be(16) == 0x00000046
}

rule internet_shortcut_to_program
{
    meta:
        severity = "medium"
        description = "An internet shortcut that opens a file or a share instead of a web page"
        reference = "https://attack.mitre.org/techniques/T1204/002/"
    strings:
        $section = "[InternetShortcut]" nocase
        $target = /\n[ \t]*(URL|IconFile)[ \t]*=[ \t]*[f\\](ile:|\\)/ nocase
    condition:
        $section in (0..64) and $target
}
