// Files that exist to test scanners.

rule eicar_test_file
{
    meta:
        severity = "critical"
        description = "The EICAR anti-malware test file"
        reference = "https://www.eicar.org/download-anti-malware-testfile/"
    strings:
        // In two parts, so that neither this file nor a program that holds the rule is taken for the
        // test file itself.
        $head = "X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR-STAN"
        $tail = "DARD-ANTIVIRUS-TEST-FILE!$H+H*"
    condition:
        for any i in (1..#head): ($tail at @head[i] + !head[i])
}
