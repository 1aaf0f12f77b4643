// PDF files that do more than show pages, by the facts that their reader states. Scripts and attached files are a matter
// of policy and have no rule.

rule pdf_that_launches_a_program
{
    meta:
        severity = "critical"
        description = "PDF with an action that starts a program"
        reference = "https://attack.mitre.org/techniques/T1204/002/"
    strings:
        $launch = "pdf.action kind=\"Launch\""
    condition:
        declared_type == "facts" and $launch
}

rule pdf_that_submits_or_opens_remote
{
    meta:
        severity = "medium"
        description = "PDF that opens a share or sends a form when it is opened"
        reference = "https://attack.mitre.org/techniques/T1187/"
    strings:
        $remote_1 = "pdf.action kind=\"GoToR\" on=\"open\""
        $remote_2 = "pdf.action kind=\"GoToE\" on=\"open\""
        $remote_3 = "pdf.action kind=\"SubmitForm\" on=\"open\""
        $remote_4 = "pdf.action kind=\"ImportData\" on=\"open\""
        $remote_5 = "pdf.action kind=\"Thread\" on=\"open\""
    condition:
        declared_type == "facts" and any of them
}

rule pdf_with_flash
{
    meta:
        severity = "high"
        description = "PDF with a Flash film, which only attacks still use"
        reference = "https://nvd.nist.gov/vuln/detail/CVE-2010-1297"
    strings:
        $flash = "pdf.richmedia kind=\"Flash\""
    condition:
        declared_type == "facts" and $flash
}
