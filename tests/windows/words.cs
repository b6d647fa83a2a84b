// Says which arguments it was given, each in a line of its own as base64 of its UTF-8.
using System;
using System.Text;

public static class Words
{
    public static void Main(string[] words)
    {
        foreach (string word in words)
            Console.WriteLine("word " + Convert.ToBase64String(Encoding.UTF8.GetBytes(word)));
    }
}
