// Office documents that run code when they are opened.

rule ole_macro_that_runs_by_itself
{
    meta:
        severity = "high"
        description = "An old-format Office document whose macro starts by itself and starts programs"
        reference = "https://learn.microsoft.com/openspecs/office_file_formats/ms-ovba/"
    strings:
        $project = "_VBA_PROJECT" wide
        $start = /(Auto_?(Open|Exec|Close|Exit)|Document_?(Open|Close|New)|Workbook_?(Open|BeforeClose|Activate)|Presentation_?Open)/ nocase
        $act_1 = "CreateObject" nocase
        $act_2 = /\bShell(Execute)?\b/ nocase
        $act_3 = "WScript.Shell" nocase
        $act_4 = "URLDownloadToFile" nocase
        $act_5 = "powershell" nocase
        $act_6 = "CallByName" nocase
    condition:
        // A document, or the source of a module ("Attribute VB_…") where it was in one.
        (uint32be(0) == 0xD0CF11E0 or uint32be(0) == 0x41747472)
        and extension != "bas" and extension != "cls" and extension != "frm"
        and ($project or uint32be(0) == 0x41747472) and $start and any of ($act_*)
}

rule ooxml_macro_project
{
    meta:
        severity = "high"
        description = "An Office document with a macro project inside"
        reference = "https://learn.microsoft.com/openspecs/office_file_formats/ms-offmacro/"
        member_class = "macros"
    strings:
        // The name in a header or a directory entry, which is never compressed. In front of it stands a length or
        // an offset, whose last byte is small.
        $project = /[\x00-\x08](word|xl|ppt)\/vbaProject\.bin/ nocase
    condition:
        $project and uint32be(0) == 0x504B0304
}

rule rtf_object
{
    meta:
        severity = "high"
        description = "RTF with an embedded object that is opened or updated without being asked"
        reference = "https://attack.mitre.org/techniques/T1203/"
    strings:
        $data = "\\objdata"
        $automatic_1 = "\\objupdate"
        $automatic_2 = "\\objautlink"
        $automatic_3 = "\\objocx"
        $package = /\\objclass\s+[HOPW](ackage|LE2Link|tmlfile|ord\.Document\.8)/ nocase
    condition:
        uint32be(0) == 0x7B5C7274 and $data and (any of ($automatic_*) or $package)
}

rule rtf_equation_editor
{
    meta:
        severity = "critical"
        description = "RTF with an Equation Editor object (CVE-2017-11882, CVE-2018-0802)"
        reference = "https://nvd.nist.gov/vuln/detail/CVE-2017-11882"
    strings:
        $class = /\\objclass\s+Equation\.[23]/ nocase
        $name = "4571756174696f6e2e33" nocase // "Equation.3" in the hex of \objdata
        $class_id = "02ce020000000000c000000000000046" nocase
    condition:
        uint32be(0) == 0x7B5C7274 and any of ($class, $name, $class_id)
}
