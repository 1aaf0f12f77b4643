// Parts of Office documents that fetch or run something, by what their readers state of them: however a part is spelled,
// its fact is the same. Templates and objects from elsewhere that no exploit is known for are a matter of policy.

rule office_remote_object
{
    meta:
        severity = "critical"
        description = "An Office document with an object that runs what it fetches from the web (CVE-2017-0199, CVE-2021-40444, CVE-2022-30190)"
        reference = "https://nvd.nist.gov/vuln/detail/CVE-2022-30190"
    strings:
        $object = "office.remote_object way=\"exploited\""
    condition:
        declared_type == "facts" and $object
}

rule office_dde_field
{
    meta:
        severity = "high"
        description = "A document with a field or link that starts a program (DDE)"
        reference = "https://attack.mitre.org/techniques/T1559/002/"
    strings:
        $program = "office.dde way=\"starts\""
    condition:
        declared_type == "facts" and $program
}

rule excel_macro_sheet
{
    meta:
        severity = "high"
        description = "A workbook with an Excel 4.0 macro sheet"
        reference = "https://attack.mitre.org/techniques/T1059/"
    strings:
        $sheet = /[\x00-\x08]xl\/macrosheets\// nocase // as for macro projects
    condition:
        $sheet and uint32be(0) == 0x504B0304
}

rule excel_hidden_macro_sheet
{
    meta:
        severity = "high"
        description = "An old-format workbook with a hidden Excel 4.0 macro sheet"
        reference = "https://learn.microsoft.com/openspecs/office_file_formats/ms-xls/b9ec509a-235d-424e-871d-f8e721106501"
    strings:
        // BoundSheet8: type, size, position, hidden or very hidden, macro sheet, length of the name, its encoding.
        $sheet = { 85 00 ( 0? | 1? | 2? ) 00 ?? ?? ?? 00 ( 01 | 02 ) 01 ?? ( 00 | 01 ) }
        $biff_8 = { 09 08 10 00 00 06 05 00 }
    condition:
        uint32be(0) == 0xD0CF11E0 and uint32be(4) == 0xA1B11AE1 and $biff_8 and $sheet
}

rule office_control_that_loads_pages
{
    meta:
        severity = "high"
        description = "An Office document with an ActiveX control that shows web pages or runs Flash"
        reference = "https://learn.microsoft.com/openspecs/office_standards/ms-oe376/"
    strings:
        // Shell.Explorer, its HTML forms, Flash, MSHTML and the scriptlet component.
        $class = /office\.control classid="(8856F961-340A-11D0-A96B-00C04FD705A2|5512D1(10|12|14|16|18|1A|1C|1E)-5CC6-11CF-8D67-00AA00BDCE1D|D27CDB6E-AE6D-11CF-96B8-444553540000|25336920-03F9-11CF-8FD0-00AA00686F13|AE24FDAE-03C6-11D1-8B76-0080C744F389)"/
    condition:
        declared_type == "facts" and $class
}

rule onenote_with_script
{
    meta:
        severity = "high"
        description = "A OneNote section with a script or program inside"
        reference = "https://learn.microsoft.com/openspecs/office_file_formats/ms-onestore/8806fd18-6735-4874-b111-227b83eaac26"
    strings:
        // FileDataStoreObject: 16 bytes of type, 8 of length, 12 unused, then the file.
        $program = { E7 16 E3 BD 65 26 11 45 A4 C4 8D 4D 0B 7A 9E AC [20] ( 4D 5A | 4C 00 00 00 01 14 02 00 ) }
        $script = /\xE7\x16\xE3\xBD\x65\x26\x11\x45\xA4\xC4\x8D\x4D\x0B\x7A\x9E\xAC.{20,420}?(<script|<hta:|<job|@echo off|powershell|WScript\.|CreateObject)/s nocase
    condition:
        uint32be(0) == 0xE4525C7B and uint32be(4) == 0x8CD8A74D and uint32be(8) == 0xAEB15378
        and uint32be(12) == 0xD02996D3 and ($program or $script)
}
